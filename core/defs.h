/* SPDX-License-Identifier: MIT */
/*
 * Compiler attributes and the few macros that every module may use.
 */
#ifndef RP_CORE_DEFS_H
#define RP_CORE_DEFS_H

#include <stddef.h>
#include <stdint.h>

#define RP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RP_NODISCARD         __attribute__((warn_unused_result))
#define RP_UNUSED            __attribute__((unused))
#define RP_NORETURN          __attribute__((noreturn))

#define RP_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define RP_CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(uintptr_t)(ptr)-offsetof(type, member)))
#define RP_MIN(a, b) ((a) < (b) ? (a) : (b))
#define RP_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Ends the process with a message when an invariant of our own code is broken. Never for what a
 * peer, a disk or a library does. */
RP_NORETURN void rp_verify_failed(const char *expr, const char *file, int line);
#define RP_VERIFY(expr) ((expr) ? (void)0 : rp_verify_failed(#expr, __FILE__, __LINE__))

#endif
