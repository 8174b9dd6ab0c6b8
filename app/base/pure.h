/* pure.h - comes before every line of consensus code (gcc -include) and bans what is not a
 * function of committed state and the block.
 *
 * It admits a few headers and poisons the rest: a clock, a float, a random number, the
 * environment, a file or a log line does not compile here.  It defines nothing.  base/{err,
 * mem,sig}.c and store/kv_rocksdb.c are compiled apart, behind pure headers. */
#ifndef VPR_BASE_PURE_H
#define VPR_BASE_PURE_H

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/ripemd.h>
#include <openssl/sha.h>

#include <protobuf-c/protobuf-c.h>

#pragma GCC poison float double _Float128 _Complex
#pragma GCC poison time clock gettimeofday clock_gettime localtime gmtime sleep usleep nanosleep
#pragma GCC poison rand random srand srandom drand48 arc4random getrandom getentropy
#pragma GCC poison randombytes randombytes_buf randombytes_random randombytes_uniform rand_r
#pragma GCC poison getenv secure_getenv setlocale system popen fork execv getpid longjmp signal
#pragma GCC poison qsort qsort_r bsearch hsearch hcreate
#pragma GCC poison malloc calloc realloc free alloca
#pragma GCC poison printf fprintf sprintf puts fopen open read write stderr stdout
#pragma GCC poison socket connect accept bind listen pthread_create pthread_mutex_lock
#pragma GCC poison strtod atof strtok strcoll strxfrm

#endif
