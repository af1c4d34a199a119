/* SPDX-License-Identifier: MIT */
/*
 * The client side against hostile bytes. The first byte chooses how far an honest server goes
 * before the rest of the input takes over:
 *   0 bytes in clear, from the version line on
 *   1 messages of the input, encrypted, after the key exchange and before a login
 *   2 the same after a login
 *   3 bytes in place of the server's encrypted ones, after a login
 * Messages are cut off the input by a length of two bytes.
 */
#include "test/fuzz/ssh_harness.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	rp_harness_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_ssh_pair p;
	if (size == 0) {
		return 0;
	}
	rp_harness_start(&p, data[0] % 4);
	rp_harness_play(&p, &p.server, data[0] % 4, data + 1, size - 1);
	rp_ssh_pair_fini(&p);
	return 0;
}
