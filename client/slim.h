/* SPDX-License-Identifier: MIT */
/*
 * Gives back memory that an idle client does not need: pages of the program's own file that were
 * only used at the start, or now and then. They come back from the page cache when they are used.
 */
#ifndef RP_CLIENT_SLIM_H
#define RP_CLIENT_SLIM_H

/* No failure that matters. */
void rp_slim_down(void);

#endif
