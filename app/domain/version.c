#include "app/domain/upgrade.h"

const uint64_t vpr_app_version = 1;
