/* templates.h - the template versions a worker has, compiled. Thread: the runtime's; a bundle that
 * was handed out is immutable and stays valid until it is given back. */
#ifndef WORKERS_TEMPLATES_H
#define WORKERS_TEMPLATES_H

#include "templates/engine/bundle.h"

typedef struct templates templates;

templates *templates_new(size_t max);
void templates_free(templates *t);

/* The version, borrowed until templates_release; NULL when it is not here. */
const template_bundle *templates_borrow(templates *t, gw_str version);
void templates_release(templates *t, const template_bundle *b);
/* Is it worth asking for (again)? True once a second for each version that is not here. */
bool templates_should_ask(templates *t, gw_str version);
/* Keep a bundle that came. GW_ECORRUPT: its content does not hash to the version. */
gw_code templates_put(templates *t, gw_str version, gw_str json, gw_err *err) GW_NODISCARD;

#endif
