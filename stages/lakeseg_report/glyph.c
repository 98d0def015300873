#include "stages/lakeseg_report/glyph.h"

#include <stdio.h>

#include "pipeline/base/attr.h"
#include "pipeline/base/text.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* In order. U+200C and U+200D are needed to write some languages, and emoji. */
static const struct range hidden[] = {
    {0x0000, 0x0008},   {0x000B, 0x001F},   {0x007F, 0x009F},
    {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C},
    {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
    {0x200B, 0x200B},   {0x200E, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x3164, 0x3164},   {0xE000, 0xF8FF},
    {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF}};

/* Marks that stand on the character before. */
static const struct range combining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},  {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC},  {0x06DF, 0x06E4},
    {0x0711, 0x0711}, {0x0730, 0x074A}, {0x0900, 0x0902},  {0x093A, 0x093A},
    {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},  {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF},  {0x1DC0, 0x1DFF},
    {0x200C, 0x200D}, {0x20D0, 0x20FF}, {0x302A, 0x302D},  {0x3099, 0x309A},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF}};

static const struct range wide[] = {
    {0x1100, 0x115E},   {0x231A, 0x231B},   {0x2329, 0x232A},
    {0x23E9, 0x23EC},   {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26A1, 0x26A1},   {0x26BD, 0x26BE},   {0x2705, 0x2705},
    {0x270A, 0x270B},   {0x2728, 0x2728},   {0x274C, 0x274C},
    {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B50, 0x2B50},
    {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF},
    {0x1B000, 0x1B2FF}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320},
    {0x1F32D, 0x1F335}, {0x1F337, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
    {0x20000, 0x3FFFD}};

static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count && code >= ranges[i].first; i++)
        if (code <= ranges[i].last)
            return true;
    return false;
}

size_t glyph_next(const char *text, size_t len, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)text;
    const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

    if (n == 1) {
        *code = p[0];
        return 1;
    }
    *code = GLYPH_BROKEN;
    if (n > len || pl_utf8_valid_len(text, n) != n)
        return 1;
    *code = p[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++)
        *code = *code << 6 | (p[i] & 0x3FU);
    return n;
}

bool glyph_is_hidden(uint32_t code)
{
    return is_in(code, hidden, PL_COUNT(hidden)) || (code & 0xFFFE) == 0xFFFE;
}

unsigned glyph_width(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (is_in(code, combining, PL_COUNT(combining)))
        return 0;
    return is_in(code, wide, PL_COUNT(wide)) ? 2 : 1;
}

void glyph_name(uint32_t code, char out[12])
{
    (void)snprintf(out, 12, "U+%04X", (unsigned)(code & 0x1FFFFF));
}

size_t glyph_cut(const char *text, size_t len, size_t max)
{
    size_t at = 0;
    uint32_t code;

    for (; at < len && max > 0; max--)
        at += glyph_next(text + at, len - at, &code);
    return at;
}

size_t glyph_count(const char *text, size_t len)
{
    size_t count = 0;
    uint32_t code;

    for (size_t at = 0; at < len; count++)
        at += glyph_next(text + at, len - at, &code);
    return count;
}

char glyph_mask(uint32_t code)
{
    if (code >= 'a' && code <= 'z')
        return 'a';
    if (code >= 'A' && code <= 'Z')
        return 'A';
    if (code >= '0' && code <= '9')
        return '9';
    if (code == GLYPH_BROKEN)
        return '?';
    return code < 0x20 || code >= 0x7F ? 'x' : (char)code;
}
