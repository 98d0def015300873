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

/* Functions that lose data or write past the end: a build error. */
#pragma GCC poison strcpy strcat strncpy sprintf vsprintf strtok atoi atol \
    gets gmtime localtime system popen

#endif
