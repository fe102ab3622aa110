// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: tracepoints
 */

/* Keep the macros of tracepoints from sparse, which reports errors in them */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "trace.h"
#endif
