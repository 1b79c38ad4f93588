#include "platform/signature.h"
