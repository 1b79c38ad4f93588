#include "base/form.h"
