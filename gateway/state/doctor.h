/* doctor.h - what state_doctor and state_setup share. */
#ifndef DUNLIN_STATE_DOCTOR_H
#define DUNLIN_STATE_DOCTOR_H

#include "gateway/state/conn.h"

/* Findings about the server itself: version, durability, memory, replication. */
gw_code doctor_server(state *s, state_finding *ret, size_t cap, size_t *ret_n, gw_err *err)
    GW_NODISCARD;

#endif
