/* search_key.h - the standard key that finds profiles by a field. */
#ifndef PROFILES_IMPORT_SEARCH_KEY_H
#define PROFILES_IMPORT_SEARCH_KEY_H

/* "_account" for "_profile.AccountNumber"; NULL: there is none. */
const char *profiles_search_key(const char *target);

#endif
