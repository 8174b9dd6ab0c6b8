/* wallet_gov_queries.h - proposals and votes in the shapes of cosmos.gov, v1 and v1beta1, for
 * wallets and explorers. */
#ifndef VPR_DOMAIN_WALLET_GOV_QUERIES_H
#define VPR_DOMAIN_WALLET_GOV_QUERIES_H

#include "app/tx/handler.h"

extern const struct vpr_domain vpr_wallet_gov_queries; /* queries only */

#endif
