#include "app/domain/upgrade.h"

/* Alone in its file, so that another can stand for it (tests/governance). */
const uint64_t vpr_app_version = 1;
