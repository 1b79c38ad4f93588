#include "core/courier.h"
