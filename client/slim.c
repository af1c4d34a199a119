/* SPDX-License-Identifier: MIT */
#include "client/slim.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/banned.h"

/* Code and constants. What is writable, or was while it was relocated, exists only in memory. */
static bool only_read(const ElfW(Phdr) * ph)
{
	return ph->p_type == PT_LOAD && (ph->p_flags & PF_W) == 0 && ph->p_filesz > 0;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	(void)size;
	(void)ctx;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t from = (uintptr_t)(info->dlpi_addr + ph->p_vaddr) & ~(page - 1);
		uintptr_t end = (uintptr_t)(info->dlpi_addr + ph->p_vaddr + ph->p_filesz) &
		    ~(page - 1);
		if (only_read(ph) && end > from) {
			/* NOLINTNEXTLINE(performance-no-int-to-ptr): where the program lies */
			(void)madvise((void *)from, end - from, MADV_DONTNEED);
		}
	}
	return 1; /* the program itself is the first */
}

void rp_slim_down(void)
{
	(void)dl_iterate_phdr(on_object, NULL);
}
