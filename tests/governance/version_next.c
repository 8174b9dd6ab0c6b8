#include "app/domain/upgrade.h"

/* Linked before the archive's version.c, so it stands for it (app/node/meson.build). */
const uint64_t vpr_app_version = 2;
