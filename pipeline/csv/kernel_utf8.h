/*
 * kernel_utf8.h - UTF-8 by three table look-ups a byte (J. Keiser, D. Lemire,
 * "Validating UTF-8 in less than one instruction per byte", 2021): each table
 * says what a nibble allows to be wrong; what all three agree on, is wrong.
 *
 * Included after the UTF8_ operations of an instruction set; the three bytes
 * before p are read, too.
 */
#define SHORT 0x01      /* a lead byte without what must follow */
#define LONG 0x02       /* a continuation without a lead byte */
#define OVERLONG_3 0x04 /* E0 80..9F */
#define LARGE 0x08      /* F4 90 and above */
#define SURROGATE 0x10  /* ED A0..BF */
#define OVERLONG_2 0x20 /* C0, C1 */
#define LARGE_F5 0x40   /* F5 and above with 80..8F */
#define OVERLONG_4 0x40 /* F0 80..8F */
#define TWO_CONTS 0x80  /* a continuation after a continuation: may be right */
#define CARRY (SHORT | LONG | TWO_CONTS)
#define C(bits) ((char)(bits))

static inline block utf8_wrong(const unsigned char *p)
{
    const block first_high = ROW16(
        C(LONG), C(LONG), C(LONG), C(LONG), C(LONG), C(LONG), C(LONG), C(LONG),
        C(TWO_CONTS), C(TWO_CONTS), C(TWO_CONTS), C(TWO_CONTS),
        C(SHORT | OVERLONG_2), C(SHORT), C(SHORT | OVERLONG_3 | SURROGATE),
        C(SHORT | LARGE | LARGE_F5 | OVERLONG_4));
    const block first_low = ROW16(
        C(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), C(CARRY | OVERLONG_2),
        C(CARRY), C(CARRY), C(CARRY | LARGE), C(CARRY | LARGE | LARGE_F5),
        C(CARRY | LARGE | LARGE_F5), C(CARRY | LARGE | LARGE_F5),
        C(CARRY | LARGE | LARGE_F5), C(CARRY | LARGE | LARGE_F5),
        C(CARRY | LARGE | LARGE_F5), C(CARRY | LARGE | LARGE_F5),
        C(CARRY | LARGE | LARGE_F5), C(CARRY | LARGE | LARGE_F5 | SURROGATE),
        C(CARRY | LARGE | LARGE_F5), C(CARRY | LARGE | LARGE_F5));
    const block second_high = ROW16(
        C(SHORT), C(SHORT), C(SHORT), C(SHORT), C(SHORT), C(SHORT), C(SHORT),
        C(SHORT),
        C(LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | LARGE_F5 | OVERLONG_4),
        C(LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | LARGE),
        C(LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | LARGE),
        C(LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | LARGE), C(SHORT),
        C(SHORT), C(SHORT), C(SHORT));
    const block now = UTF8_LOAD(p);
    const block before = UTF8_LOAD(p - 1);
    const block agreed =
        UTF8_AND(UTF8_AND(UTF8_LOOK(first_high, UTF8_SHIFT_4(before)),
                          UTF8_LOOK(first_low, UTF8_LOW_4(before))),
                 UTF8_LOOK(second_high, UTF8_SHIFT_4(now)));
    /* third bytes of three, third and fourth of four: their top bit is set */
    const block third = UTF8_SUBS(UTF8_LOAD(p - 2), 0xE0 - 0x80);
    const block fourth = UTF8_SUBS(UTF8_LOAD(p - 3), 0xF0 - 0x80);
    const block must = UTF8_AND(UTF8_OR(third, fourth), UTF8_BYTE(0x80));

    return UTF8_XOR(must, agreed);
}

#undef SHORT
#undef LONG
#undef OVERLONG_3
#undef LARGE
#undef SURROGATE
#undef OVERLONG_2
#undef LARGE_F5
#undef OVERLONG_4
#undef TWO_CONTS
#undef CARRY
#undef C
