/* words: what a person reads, in the two languages of this program. */
#pragma once

enum lang {
    LANG_ZH,
    LANG_EN,
};

struct words {
    const char *zh;
    const char *en;
};

static inline const char *
words_in(const struct words *words, enum lang lang)
{
    return lang == LANG_ZH ? words->zh : words->en;
}
