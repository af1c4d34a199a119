/* SPDX-License-Identifier: MIT */
/*
 * The kernel maps 64 kB of a program around each page that is touched, so that nearly all of it is
 * resident after a handshake, of which an idle process uses a tenth. The allocator keeps what was
 * freed.
 */
#include "core/footprint.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/defs.h"

#include "core/banned.h"

/* mi_option_decommit_delay of mimalloc 2.0, in milliseconds, and its default. */
#define GIVE_BACK_AFTER         15
#define GIVE_BACK_AFTER_DEFAULT 25

static void let_go(uintptr_t start, uintptr_t end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	start = (start + page - 1) / page * page;
	end = end / page * page;
	if (start < end) {
		/* An address out of the program headers is no pointer yet. */
		(void)madvise((void *)start, end - start,
		    MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
	}
}

/* Segments that cannot be written to are as they are in the file. The program comes first. */
static int on_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0) {
			uintptr_t start = (uintptr_t)(info->dlpi_addr + p->p_vaddr);
			let_go(start, start + (uintptr_t)p->p_memsz);
		}
	}
	return 1;
}

/* The allocator of the release (scripts/deps-recipes); other builds have none that keeps much. */
extern void mi_collect(bool force) __attribute__((weak));
extern long mi_option_get(int option) __attribute__((weak));
extern void mi_option_set(int option, long value) __attribute__((weak));

void rp_footprint_trim(void)
{
	if (mi_collect != NULL) {
		mi_collect(true);
	}
	(void)dl_iterate_phdr(on_object, NULL);
}

/* The allocator looks at what it has to give back only when it frees something more, for which an idle
 * process has no reason. Not the default: then somebody else has set it, or it is another option. */
void rp_footprint_stay_small(void)
{
	if (mi_option_set != NULL && mi_option_get(GIVE_BACK_AFTER) == GIVE_BACK_AFTER_DEFAULT) {
		mi_option_set(GIVE_BACK_AFTER, 0);
	}
}
