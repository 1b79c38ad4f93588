#ifndef PLATFORM_MONEY_H
#define PLATFORM_MONEY_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Amounts are whole numbers of a currency's minor unit: cents, but whole yen,
 * and thousandths of a dinar (ISO 4217, list one, column "minor unit").
 */

/* Digits after the point: 0, 2 or 3; 2 where the currency is not known. */
int money_digits(struct str currency);

/* "12.50" of a currency with two digits is 1250; fewer digits are filled up,
 * more may only be zeros. No sign, no blanks, no separators of thousands.
 * 0 or -1. */
int money_parse(struct str text, struct str currency, int64_t *minor);

/* Adds "12.50", "-12.50", "1250" (JPY), "1.250" (KWD). */
void money_add(struct buf *b, int64_t minor, struct str currency);

#endif
