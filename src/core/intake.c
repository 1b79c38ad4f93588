#include "core/intake.h"
