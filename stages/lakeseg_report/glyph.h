/*
 * glyph.h - hostile text, one character at a time: what it is, how wide it
 * stands in a terminal, and whether it may be shown as it is.
 */
#ifndef LAKESEG_REPORT_GLYPH_H
#define LAKESEG_REPORT_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLYPH_BROKEN 0xFFFD /* bytes that are no UTF-8 */

/* Reads the character at text (len > 0) and returns its length in bytes; bytes
 * that are no UTF-8 are GLYPH_BROKEN, one at a time. */
size_t glyph_next(const char *text, size_t len, uint32_t *code);

/* Controls, marks that turn the direction of text, blanks without width and
 * codes that are no characters: shown, they would change what stands around
 * them, or be seen by nobody. LF and tab are not among them. */
bool glyph_is_hidden(uint32_t code);

/* Columns in a terminal: 0, 1 or 2. */
unsigned glyph_width(uint32_t code);

/* "U+202E", for a hidden one. */
void glyph_name(uint32_t code, char out[12]);

/* The bytes of the first max characters; len if there are no more. */
size_t glyph_cut(const char *text, size_t len, size_t max);

/* Characters, broken bytes counted one by one. */
size_t glyph_count(const char *text, size_t len);

/* What the shape of a text keeps of a character: letters become a or A, digits
 * 9, all beyond ASCII "x"; other ASCII stays, so that it can be seen what is
 * odd about a value, and not whose it is. */
char glyph_mask(uint32_t code);

#endif
