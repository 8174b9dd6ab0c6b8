#include "relay/chain_list.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/rules/ids.h"

void vpr_chain_list_read(struct vpr_chain_list *list,
                         const Viper__V1__QueryChainsResponse *told)
{
    const size_t room =
        told->n_chains < VPR_CHAIN_LIST_MAX ? told->n_chains : VPR_CHAIN_LIST_MAX;

    list->all = vpr_mem_alloc((room + 1) * sizeof list->all[0]);
    for (size_t i = 0; i < told->n_chains && list->count < room; i++) {
        const Viper__V1__ChainInfo *info = told->chains[i];
        struct vpr_chain_entry *chain = &list->all[list->count];
        if (info->id > UINT16_MAX || info->corpus_hash.len > sizeof chain->corpus.b) {
            continue;
        }
        chain->id = (uint16_t)info->id;
        snprintf(chain->name, sizeof chain->name, "%s", info->name);
        if (info->corpus_hash.len > 0) {
            memcpy(chain->corpus.b, info->corpus_hash.data, info->corpus_hash.len);
        }
        for (size_t j = 0; j < info->n_methods; j++) {
            vpr_costs_add(&chain->costs, info->methods[j]->method, info->methods[j]->cu);
        }
        list->count++;
    }
}

void vpr_chain_list_finish(struct vpr_chain_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        vpr_costs_finish(&list->all[i].costs);
    }
    vpr_mem_free(list->all);
    *list = (struct vpr_chain_list){0};
}

const struct vpr_chain_entry *vpr_chain_list_find(const struct vpr_chain_list *list,
                                                  uint16_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->all[i].id == id) {
            return &list->all[i];
        }
    }
    return NULL;
}

bool vpr_chain_list_id(const struct vpr_chain_list *list, uint16_t *ret_id,
                       struct vpr_bytes text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (vpr_bytes_equal(text, vpr_bytes_str(list->all[i].name))) {
            *ret_id = list->all[i].id;
            return true;
        }
    }
    /* Before the list was read any id may be one. */
    return vpr_id16_parse(ret_id, text) &&
           (list->count == 0 || vpr_chain_list_find(list, *ret_id) != NULL);
}
