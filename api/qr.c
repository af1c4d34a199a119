/* SPDX-License-Identifier: MIT */
/*
 * qrencode makes the modules, lodepng the file.
 */
#include "api/qr.h"

#include <errno.h>
#include <string.h>

#include <lodepng.h>
#include <qrencode.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/err.h"
#include "http/compress.h"

#include "core/banned.h"

#define ROW_BYTES (RP_QR_SIDE / 8)
/* Free space around the code in modules: ISO/IEC 18004 wants four. */
#define QUIET   4
#define PNG_MAX ((size_t)64 * 1024)
/* lodepng's code for it. */
#define OUT_OF_MEMORY 83
/* A module is at least two pixels. */
#define MODULES_MAX (RP_QR_SIDE / 2 - 2 * QUIET)

_Static_assert(RP_QR_SIDE % 8 == 0, "rows are whole bytes");

/* lodepng is built without an allocator of its own, and its header does not say what it calls. */
void *lodepng_malloc(size_t size);
void *lodepng_realloc(void *p, size_t size);
void lodepng_free(void *p);

void *lodepng_malloc(size_t size)
{
	return rp_malloc(size);
}

void *lodepng_realloc(void *p, size_t size)
{
	return rp_reallocarray(p, size, 1);
}

void lodepng_free(void *p)
{
	rp_free(p);
}

/* The pixels' compression: zlib's own. */
static unsigned deflate_pixels(unsigned char **out, size_t *n, const unsigned char *in, size_t in_n,
    const LodePNGCompressSettings *settings)
{
	struct rp_buf b;
	(void)settings;
	rp_buf_init(&b, PNG_MAX);
	int err = rp_compress(RP_CODING_DEFLATE, in, in_n, &b);
	*out = err == 0 ? rp_memdup(rp_buf_head(&b), b.len) : NULL;
	*n = *out != NULL ? b.len : 0;
	rp_buf_fini(&b);
	return *out != NULL ? 0 : OUT_OF_MEMORY;
}

/* One bit of grey for each pixel. */
static int encode(const uint8_t *image, unsigned char **png, size_t *n)
{
	LodePNGState s;
	lodepng_state_init(&s);
	s.info_raw.colortype = LCT_GREY;
	s.info_raw.bitdepth = 1;
	s.info_png.color.colortype = LCT_GREY;
	s.info_png.color.bitdepth = 1;
	s.encoder.auto_convert = 0;
	s.encoder.zlibsettings.custom_zlib = deflate_pixels;
	unsigned failed = lodepng_encode(png, n, image, RP_QR_SIDE, RP_QR_SIDE, &s);
	lodepng_state_cleanup(&s);
	return failed == 0 ? 0 : RP_ENOMEM;
}

/* Black is 0. */
static void draw(const QRcode *code, uint8_t image[static ROW_BYTES * RP_QR_SIDE])
{
	size_t width = (size_t)code->width;
	size_t scale = RP_QR_SIDE / (width + 2 * (size_t)QUIET);
	size_t offset = (RP_QR_SIDE - width * scale) / 2;
	memset(image, 0xff, (size_t)ROW_BYTES * RP_QR_SIDE);
	for (size_t y = 0; y < width * scale; y++) {
		for (size_t x = 0; x < width * scale; x++) {
			size_t px = x + offset;
			if ((code->data[y / scale * width + x / scale] & 1u) != 0) {
				image[(y + offset) * ROW_BYTES + px / 8] &= (uint8_t) ~(
				    0x80u >> (px % 8));
			}
		}
	}
}

int rp_qr_png(const char *text, char **base64)
{
	unsigned char *png = NULL;
	size_t n = 0;
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	if (code == NULL) {
		return errno == ENOMEM ? RP_ENOMEM : RP_ELIMIT;
	}
	uint8_t *image = rp_malloc((size_t)ROW_BYTES * RP_QR_SIDE);
	int err = image == NULL ? RP_ENOMEM : 0;
	if (err == 0 && code->width > MODULES_MAX) {
		err = RP_ELIMIT;
	}
	if (err == 0) {
		draw(code, image);
		err = encode(image, &png, &n);
	}
	QRcode_free(code);
	if (err == 0) {
		*base64 = rp_base64(png, n);
		err = *base64 == NULL ? RP_ENOMEM : 0;
		rp_secret_wipe(png, n);
	}
	if (image != NULL) {
		rp_secret_wipe(image, (size_t)ROW_BYTES * RP_QR_SIDE);
	}
	rp_free(image);
	rp_free(png);
	return err;
}
