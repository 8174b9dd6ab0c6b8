/* chain_list.h - chains as the node lists them: ids, names, what methods cost, which corpus. */
#ifndef VPR_RELAY_CHAIN_LIST_H
#define VPR_RELAY_CHAIN_LIST_H

#include "relay/panel.h"

#define VPR_CHAIN_LIST_MAX 1024

struct vpr_chain_entry {
    uint16_t id;
    char name[VPR_PANEL_NAME_MAX];
    struct vpr_hash corpus; /* of its file; zero: none is named */
    struct vpr_costs costs;
};

struct vpr_chain_list {
    size_t count;
    struct vpr_chain_entry *all;
};

/* Into an empty list; entries that are out of range are left out. */
void vpr_chain_list_read(struct vpr_chain_list *list,
                         const Viper__V1__QueryChainsResponse *told);
void vpr_chain_list_finish(struct vpr_chain_list *list);
/* NULL: no such chain. */
const struct vpr_chain_entry *vpr_chain_list_find(const struct vpr_chain_list *list,
                                                  uint16_t id);
/* A name, or four hex digits. */
VPR_MUST_USE bool vpr_chain_list_id(const struct vpr_chain_list *list, uint16_t *ret_id,
                                    struct vpr_bytes text);

#endif
