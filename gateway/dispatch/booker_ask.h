/* booker_ask.h - asking a provider what became of a message: when, and how often.
 *
 * Private to gateway/dispatch. */
#ifndef GATEWAY_DISPATCH_BOOKER_ASK_H
#define GATEWAY_DISPATCH_BOOKER_ASK_H

#include "gateway/dispatch/booker_part.h"

/* Ask about the item's reminder, unless that was done a short while ago. The entry stays. */
gw_code booker_ask(booker *b, book_item *it, gw_err *err) GW_NODISCARD;

#endif
