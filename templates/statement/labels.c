#include "templates/statement/labels.h"

static const char *const labels[LABEL_COUNT][LANGUAGE_COUNT] = {
    [LABEL_TITLE] = {"Account statement", "对账单"},
    [LABEL_TO] = {"To", "致"},
    [LABEL_STATEMENT_DATE] = {"Statement date", "对账日期"},
    [LABEL_CUSTOMER] = {"Customer no.", "客户编号"},
    [LABEL_OPEN_ITEMS_IN] = {"Open items in {}", "未结款项（{}）"},
    [LABEL_NO_ITEMS] = {"There are no open items.", "无未结款项。"},
    [LABEL_KIND] = {"Kind", "类别"},
    [LABEL_ID] = {"ID", "编号"},
    [LABEL_REFERENCE] = {"Reference", "单据号"},
    [LABEL_DESCRIPTION] = {"Description", "摘要"},
    [LABEL_ISSUED] = {"Issued", "开具日期"},
    [LABEL_DUE] = {"Due", "到期日"},
    [LABEL_DAYS_OVERDUE] = {"Days overdue", "逾期天数"},
    [LABEL_AGE] = {"Age", "账龄"},
    [LABEL_CURRENCY] = {"Currency", "币种"},
    [LABEL_CONTRACT] = {"Contract amount", "合同金额"},
    [LABEL_AMOUNT] = {"Amount", "金额"},
    [LABEL_PAID] = {"Paid", "已付"},
    [LABEL_OPEN] = {"Open", "未付"},
    [LABEL_TERMS] = {"Terms", "付款条件"},
    [LABEL_BASIS] = {"Basis", "依据"},
    [LABEL_DISPUTED] = {"Disputed", "有争议"},
    [LABEL_YES] = {"yes", "是"},
    [LABEL_DATE] = {"Date", "日期"},
    [LABEL_ITEM] = {"Item", "款项"},
    [LABEL_CHARGE] = {"Late charge", "逾期费用"},
    [LABEL_CHARGES] = {"Late charges", "逾期费用"},
    [LABEL_CHARGES_IN] = {"Late charges in {}", "逾期费用（{}）"},
    [LABEL_CREDIT] = {"Credit", "贷项"},
    [LABEL_CREDITS] = {"Credits", "贷项"},
    [LABEL_CREDITS_IN] = {"Credit notes and unallocated payments in {}", "贷项及未核销来款（{}）"},
    [LABEL_PAYMENT] = {"Payment", "来款"},
    [LABEL_PAYMENTS_IN] = {"Payments received in {}, already deducted above",
                           "已收款项（{}，上表已扣除）"},
    [LABEL_TOTAL] = {"Total", "合计"},
    [LABEL_OPEN_ITEMS] = {"Open items", "未结款项"},
    [LABEL_AGEING] = {"Ageing", "账龄"},
    [LABEL_AGEING_AT] = {"Ageing of the open items at {}", "未结款项账龄（截至{}）"},
    [LABEL_NOT_DUE] = {"Not due", "未到期"},
    [LABEL_1_30] = {"1–30 days", "1–30 天"},
    [LABEL_31_60] = {"31–60 days", "31–60 天"},
    [LABEL_61_90] = {"61–90 days", "61–90 天"},
    [LABEL_OVER_90] = {"Over 90 days", "90 天以上"},
    [LABEL_SUMMARY] = {"Summary", "汇总"},
    [LABEL_OVERDUE] = {"Of which overdue", "其中逾期"},
    [LABEL_OF_WHICH_DISPUTED] = {"Of which disputed", "其中有争议"},
    [LABEL_BALANCE] = {"Balance", "应付余额"},
    [LABEL_HOW_TO_PAY] = {"How to pay", "付款方式"},
    [LABEL_NOTE_LATER] = {"Payments received after the statement date are not included.",
                          "本对账单不包含对账日期之后收到的款项。"},
    [LABEL_NOTE_DISPUTE] = {"If an entry does not agree with your books, please let us know.",
                            "如与贵方账目不符，请与我们联系。"},
    [LABEL_NOTE_CONTACT] = {"Contact: {}.", "联系方式：{}。"},
    [LABEL_COLON] = {": ", "："},
    [LABEL_PAGE] = {"Page {} of {2}", "第 {} 页，共 {2} 页"},
};

statement_language statement_language_of(gw_str locale)
{
    bool zh = locale.n >= 2 && (locale.p[0] | 0x20) == 'z' && (locale.p[1] | 0x20) == 'h' &&
              (locale.n == 2 || locale.p[2] == '-');
    return zh ? LANGUAGE_ZH : LANGUAGE_EN;
}

const char *statement_label(statement_language language, label which)
{
    return labels[which][language];
}

void statement_label_fill(gw_buf *b, statement_language language, label which, gw_str first,
                          gw_str second)
{
    for (const char *p = labels[which][language]; *p;) {
        if (strncmp(p, "{}", 2) == 0) {
            gw_buf_put_str(b, first);
            p += 2;
        } else if (strncmp(p, "{2}", 3) == 0) {
            gw_buf_put_str(b, second);
            p += 3;
        } else {
            gw_buf_putc(b, *p++);
        }
    }
}
