/* SPDX-License-Identifier: MIT */
/*
 * Functions that our own code does not use, because a safer one exists. Every .c file includes this
 * last, in a block of its own: a poisoned name is an error from here on, in whatever header would
 * follow. The heap functions are core/alloc.h's; the file that implements them defines
 * RP_BANNED_ALLOW_HEAP.
 */
#ifndef RP_CORE_BANNED_H
#define RP_CORE_BANNED_H

/* Use rp_buf, rp_str, snprintf. */
#undef alloca /* a macro of the C library */
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets alloca
/* Use rp_str_u64 and its kin; strtod only in core/. */
#pragma GCC poison atoi atol atoll atof
/* Not safe with threads: use localtime_r, gmtime_r, core/clock.h, core/crypto.h, rp_err_text. */
#pragma GCC poison gmtime localtime asctime ctime rand srand strerror

#ifndef RP_BANNED_ALLOW_HEAP
#pragma GCC poison malloc calloc realloc reallocarray strdup strndup asprintf vasprintf
#endif

#endif
