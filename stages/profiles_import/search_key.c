#include "stages/profiles_import/search_key.h"

#include <stddef.h>
#include <string.h>

#include "pipeline/base/attr.h"

const char *profiles_search_key(const char *target)
{
    static const struct {
        const char *target;
        const char *key;
    } keys[] = {{"_profile.AccountNumber", "_account"},
                {"_profile.PhoneNumber", "_phone"},
                {"_profile.HomePhoneNumber", "_phone"},
                {"_profile.MobilePhoneNumber", "_phone"},
                {"_profile.BusinessPhoneNumber", "_phone"},
                {"_profile.EmailAddress", "_email"},
                {"_profile.PersonalEmailAddress", "_email"},
                {"_profile.BusinessEmailAddress", "_email"}};

    for (size_t i = 0; i < PL_COUNT(keys); i++)
        if (strcmp(keys[i].target, target) == 0)
            return keys[i].key;
    return NULL;
}
