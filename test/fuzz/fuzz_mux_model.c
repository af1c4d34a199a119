/* SPDX-License-Identifier: MIT */
/*
 * The mux against its model (test/lib/mux_model.h): the input decides what two muxes, or a mux and
 * a raw peer, their owners, transports and memory do. Without SSH sessions in between, which
 * test/unit/test_mux_model.c has: their packets are random.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/lib/mux_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rp_model_options opt = {.bytes_max = 300000};
	const char *finding = rp_model_run(&opt, data, size, NULL);
	if (finding != NULL) {
		(void)fprintf(stderr, "fuzz_mux_model: %s\n", finding);
		abort();
	}
	return 0;
}
