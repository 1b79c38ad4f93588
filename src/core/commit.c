#include "core/commit.h"
