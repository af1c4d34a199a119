/* SPDX-License-Identifier: MIT */
/*
 * What a process that mostly waits keeps in memory.
 */
#ifndef RP_CORE_FOOTPRINT_H
#define RP_CORE_FOOTPRINT_H

/* Lets go of the pages of the program's file that are mapped here: most of them were needed only
 * to start or for a handshake. What is used again comes back from the page cache, where the kernel
 * keeps it as long as it likes. Memory that was freed goes back to the kernel, no other is touched. */
void rp_footprint_trim(void);

/* At the start of a process that mostly waits: from now on pages go back as soon as they are free. */
void rp_footprint_stay_small(void);

#endif
