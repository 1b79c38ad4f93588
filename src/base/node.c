#include "base/node.h"
