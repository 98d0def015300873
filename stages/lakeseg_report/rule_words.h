/*
 * rule_words.h - what the rules of docs/rules.md reject, and what the analyst
 * can do about it, in a sentence each.
 */
#ifndef LAKESEG_REPORT_RULE_WORDS_H
#define LAKESEG_REPORT_RULE_WORDS_H

/* NULL: a rule that nobody here knows. */
const char *rule_words(const char *rule);

#endif
