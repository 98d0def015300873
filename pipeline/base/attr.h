/*
 * attr.h - the three attributes this project uses, and what it does not use.
 * Included by every header of pipeline/.
 */
#ifndef PL_BASE_ATTR_H
#define PL_BASE_ATTR_H

#define PL_MUST_CHECK __attribute__((warn_unused_result))
#define PL_PRINTF(f, a) __attribute__((format(printf, f, a)))

/*
 * PL_AUTO(pl_buf) body = PL_BUF_INIT; calls pl_buf_release(&body) on every way
 * out of the scope. A type used with it must be releasable when it is zeroed
 * and when it was released before.
 */
#define PL_AUTO(type) __attribute__((cleanup(type##_release))) struct type

/* A char pointer from malloc that is freed on every way out of the scope. */
#define PL_AUTO_STR __attribute__((cleanup(pl_str_release))) char
void pl_str_release(char **str);

#define PL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Functions that lose data or write past the end: a call is a build error.
 * Their headers come first, so that the macros meet calls only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PL_BANNED(name) sorry_##name##_is_a_banned_function
#undef strcpy
#undef strcat
#undef strncpy
#undef strtok
#undef sprintf
#undef vsprintf
#define strcpy(to, from) PL_BANNED(strcpy)
#define strcat(to, from) PL_BANNED(strcat)
#define strncpy(to, from, len) PL_BANNED(strncpy)
#define strtok(text, set) PL_BANNED(strtok)
#define sprintf(...) PL_BANNED(sprintf)
#define vsprintf(...) PL_BANNED(vsprintf)
#define atoi(text) PL_BANNED(atoi)
#define atol(text) PL_BANNED(atol)
#define gets(text) PL_BANNED(gets)
#define gmtime(time) PL_BANNED(gmtime)
#define localtime(time) PL_BANNED(localtime)
#define system(command) PL_BANNED(system)
#define popen(command, mode) PL_BANNED(popen)

#endif
