/* bench_load - the load, the backend and the yardsticks of relay.py; nothing of it is of use
 * by hand.  Figures and how to read them: docs/performance.md. */
#include <stdio.h>
#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/bench/load.h"

static uint64_t number(const char *text, uint64_t max)
{
    char *end = NULL;
    const uint64_t value = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value > max) {
        bench_die("%s is no number from 0 to %" PRIu64, text, max);
    }
    return value;
}

static const char usage[] = "usage: bench_load home DIR | primitives DIR | backend PORT |\n"
                            "       plain PORT LANES EACH |\n"
                            "       relay PORT LANES EACH FIRST_LANE FIRST_SEQ\n";

int main(int argc, char **argv)
{
    vpr_sig_init();
    if (argc == 3 && strcmp(argv[1], "home") == 0) {
        bench_relays_home(argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "primitives") == 0) {
        bench_primitives(argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "backend") == 0) {
        bench_backend((uint16_t)number(argv[2], UINT16_MAX));
    }
    const bool relay = argc == 7 && strcmp(argv[1], "relay") == 0;
    if (!relay && !(argc == 5 && strcmp(argv[1], "plain") == 0)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    const uint16_t port = (uint16_t)number(argv[2], UINT16_MAX);
    const uint32_t lanes = (uint32_t)number(argv[3], BENCH_LANES_MAX);
    const uint32_t each = (uint32_t)number(argv[4], BENCH_EACH_MAX);
    if (lanes == 0 || each == 0) {
        bench_die("no lanes, or no requests");
    }
    if (relay) {
        bench_relays_run(port, lanes, each, (uint32_t)number(argv[5], BENCH_LANES_MAX),
                         number(argv[6], UINT32_MAX));
    } else {
        bench_plain_run(port, lanes, each);
    }
    return 0;
}
