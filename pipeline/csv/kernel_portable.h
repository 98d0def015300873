/* kernel_portable.h - block operations that need no vector instructions, for
 * the instruction sets that have none for them. */

/* Whether the 64 bytes at p, with the three before them, hold what UTF-8
 * cannot: a sequence that began before them is taken up. */
static inline bool block_utf8_errors(const unsigned char *p)
{
    const unsigned char *at = p;

    /* to the lead byte of a sequence that goes on here */
    for (int back = 1; back <= 3; back++) {
        if (p[-back] < 0x80)
            break;
        if (p[-back] >= 0xC0) {
            at = p - back;
            break;
        }
    }
    while (at < p + 64) {
        const unsigned char lead = *at++;
        unsigned more;
        unsigned char lo = 0x80;
        unsigned char hi = 0xBF;

        if (lead < 0x80)
            continue;
        if (lead >= 0xC2 && lead <= 0xDF)
            more = 1;
        else if (lead >= 0xE0 && lead <= 0xEF)
            more = 2;
        else if (lead >= 0xF0 && lead <= 0xF4)
            more = 3;
        else
            return true;
        if (lead == 0xE0)
            lo = 0xA0;
        else if (lead == 0xED)
            hi = 0x9F;
        else if (lead == 0xF0)
            lo = 0x90;
        else if (lead == 0xF4)
            hi = 0x8F;
        for (; more > 0 && at < p + 64; more--, at++) {
            if (*at < lo || *at > hi)
                return true;
            lo = 0x80;
            hi = 0xBF;
        }
    }
    return false;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

static inline uint32_t *extract_few(uint32_t *to, uint64_t bits, uint32_t base)
{
    for (; bits != 0; bits &= bits - 1)
        *to++ = base + (uint32_t)__builtin_ctzll(bits);
    return to;
}

static inline uint32_t *extract(uint32_t *to, uint64_t bits, uint32_t base)
{
    return extract_few(to, bits, base);
}

static inline unsigned char *strip_block(unsigned char *to,
                                         const unsigned char *p, uint64_t keep)
{
    if (keep == ~UINT64_C(0)) {
        memcpy(to, p, 64);
        return to + 64;
    }
    while (keep != 0) { /* a run of bytes that stay, then what goes */
        const unsigned from = (unsigned)__builtin_ctzll(keep);
        const uint64_t gone = ~(keep >> from);
        const unsigned len = gone != 0 ? (unsigned)__builtin_ctzll(gone) : 64;

        memcpy(to, p + from, 64); /* more than is wanted: it is there */
        to += len;
        keep &= from + len >= 64 ? 0 : ~UINT64_C(0) << (from + len);
    }
    return to;
}

static inline void lower_at(unsigned char *p, uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1)
        p[__builtin_ctzll(bits)] += 0x20;
}
