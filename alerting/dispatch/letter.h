/*
 * letter: a notice or an order as a mail or as a form for a gateway of text messages, out of the
 * same JSON that webhooks carry; and the book in which names become numbers and addresses.
 *
 * Names go through topics, ledger and logs; what a name stands for is looked up at the moment of
 * sending, in a file, and goes nowhere else. Pure; time comes in.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/instant.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

#define LETTER_ADDRESS_BYTES 254 /* longest mail address */

struct letter {         /* views live in the arena */
    struct view id;     /* of the delivery: stable over attempts */
    struct view zh, en; /* its text */
};

/* False: it is no notice, order or bundle. */
MUST_USE bool letter_read(
    struct arena *arena, struct view id, struct view body, struct letter *out);
/* What name stands for in a book: lines of `name address`, # begins a remark. False: it is not
 * there, or the address holds what no address may (spaces, control characters, < > ,). */
MUST_USE bool letter_address(struct view book, struct view name, struct view *out);
bool letter_address_valid(struct view address);
/* RFC 5322, lines end in CR LF: Message-ID is that of the delivery, so a receiver may drop what
 * comes twice. */
void letter_mail(const struct letter *letter, const char *from, struct view to, struct instant when,
    struct buf *out);
/* application/x-www-form-urlencoded; fields: `name=value`, in which {to}, {zh}, {en}, {id} and
 * {secret} are replaced. */
void letter_form(const struct letter *letter, const char *const *fields, size_t n, struct view to,
    struct view secret, struct buf *out);
/* name=value with nothing else in braces. */
bool letter_field_valid(const char *field);
