#include "core/outbox.h"
