#include "gateway/cli/import_internal.h"

#include "gateway/base/utf8.h"

#include <stdio.h>

/* Headers as they are compared: lower case, without blanks and punctuation. The first is the name.
 */
static const struct {
    const char *name, *headers;
} columns[COL_COUNT] = {
    [COL_CUSTOMER] = {"customer", "customer|customername|client|clientname|company|companyname|"
                                  "客户|客户名称|客户名|公司|公司名称|单位名称|购货单位"},
    [COL_CUSTOMER_ID] = {"customer id",
                         "customerid|customerno|customernumber|customercode|clientid|"
                         "客户编号|客户代码|客户号|客户编码"},
    [COL_AMOUNT] = {"contract amount",
                    "contractamount|contractsum|contractvalue|amount|invoiceamount|totalamount|"
                    "合同金额|合同额|合同总额|应收金额|发票金额|金额"},
    [COL_TERMS] = {"terms", "terms|paymentterms|creditterms|账期|付款条件|付款方式|信用期|账期天"},
    [COL_ISSUED] = {"issued", "issued|issuedate|issuedon|invoicedate|开票日期|开票日|发票日期"},
    [COL_DUE] = {"due date", "duedate|due|dueon|到期日|到期日期|应收日期|应付日期|付款到期日"},
    [COL_PAID] = {"paid", "paid|paidamount|amountpaid|received|已付|已付金额|已收|已收金额|已回款"},
    [COL_UNPAID] = {"unpaid", "unpaid|unpaidamount|outstanding|openamount|balance|balancedue|"
                              "未付|未付金额|未收|未收金额|欠款|欠款金额|余额"},
    [COL_CURRENCY] = {"currency", "currency|ccy|币种|货币"},
    [COL_INVOICE] = {"invoice no", "invoiceno|invoicenumber|invoice|invoiceid|documentno|"
                                   "documentnumber|发票号|发票号码|发票编号|单据号|单据编号"},
    [COL_REFERENCE] = {"contract no", "contractno|contractnumber|reference|合同号|合同编号"},
    [COL_DESCRIPTION] = {"description", "description|project|项目|项目名称|品名|摘要"},
    [COL_CONTACT_NAME] = {"contact name", "contactname|contact|contactperson|联系人|联系人姓名"},
    [COL_CONTACT_ROLE] = {"contact role", "contactrole|角色|职务|联系人角色|联系人职务"},
    [COL_EMAIL] = {"email",
                   "email|mail|emailaddress|contactemail|邮箱|电子邮箱|电子邮件|联系人邮箱"},
    [COL_PHONE] = {"phone", "phone|telephone|tel|mobile|phonenumber|contactphone|"
                            "电话|联系电话|手机|手机号|联系人电话"},
    [COL_ZONE] = {"zone", "zone|timezone|tz|时区"},
    [COL_LOCALE] = {"locale", "locale|language|语言"},
    [COL_ROLE] = {"role", "role|customerrole|debtorrole|customertype|客户类型|主体类型"},
    [COL_SEGMENT] = {"segment", "segment|客户分类|客户分组"},
    [COL_DISPUTED] = {"disputed", "disputed|dispute|indispute|争议|有争议|是否争议|是否有争议"},
    [COL_FINANCE_NAME] =
        {"finance head",
         "financehead|financeheadname|cfo|cfoname|财务负责人|财务负责人姓名|财务主管|财务总监"},
    [COL_FINANCE_EMAIL] = {"finance head email",
                           "financeheademail|cfoemail|财务负责人邮箱|财务主管邮箱|财务总监邮箱"},
    [COL_FINANCE_PHONE] = {"finance head phone",
                           "financeheadphone|cfophone|财务负责人电话|财务主管电话|财务总监电话"},
    [COL_OWNER_NAME] = {"owner", "owner|ownername|老板|老板姓名|负责人|负责人姓名|法人"},
    [COL_OWNER_EMAIL] = {"owner email", "owneremail|老板邮箱|负责人邮箱|法人邮箱"},
    [COL_OWNER_PHONE] = {"owner phone", "ownerphone|老板电话|负责人电话|法人电话"},
    [COL_IGNORED] =
        {"(passed over)",
         "no|row|rowno|remark|remarks|note|notes|comment|comments|alert|alerts|status|"
         "daysoverdue|overduedays|ageing|aging|salesperson|region|序号|编号|备注|说明|预警|"
         "提醒|状态|逾期天数|账龄|业务员|销售|销售员|区域|地区"},
};

const char *import_column(size_t n, const char **ret_headers)
{
    if (n >= COL_COUNT)
        return NULL;
    if (ret_headers)
        *ret_headers = columns[n].headers;
    return columns[n].name;
}

/* Blanks and punctuation, narrow and wide, that people sprinkle over headers. */
static bool is_noise(gw_str c)
{
    static const char *const noise[] = {" ", "\t", "\r", "\n", "-",  "_",  ".",  "(",  ")",
                                        "/", ":",  "*",  "'",  "　", "（", "）", "：", "、"};
    for (size_t i = 0; i < GW_COUNT(noise); i++)
        if (gw_str_is(c, noise[i]))
            return true;
    return false;
}

static gw_str normalise(gw_str header, char out[HEADER_TEXT])
{
    size_t n = 0;
    for (size_t i = 0; i < header.n;) {
        size_t k = gw_utf8_length(header.p + i, header.n - i);
        gw_str c = {header.p + i, k ? k : 1};
        i += c.n;
        if (is_noise(c))
            continue;
        if (n + c.n > HEADER_TEXT)
            return (gw_str){out, 0};
        memcpy(out + n, c.p, c.n);
        if (c.n == 1 && out[n] >= 'A' && out[n] <= 'Z')
            out[n] = (char)(out[n] - 'A' + 'a');
        n += c.n;
    }
    return (gw_str){out, n};
}

static bool lists(const char *headers, gw_str want)
{
    for (const char *p = headers; *p;) {
        size_t n = strcspn(p, "|");
        if (gw_str_eq((gw_str){p, n}, want))
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* COL_COUNT when unknown. */
static import_col column_of(gw_str header)
{
    char text[HEADER_TEXT];
    if (header.n && header.p[0] == '#')
        return COL_IGNORED;
    gw_str want = normalise(header, text);
    size_t c = 0;
    while (c < COL_COUNT && !(want.n && lists(columns[c].headers, want)))
        c++;
    return (import_col)c;
}

static gw_code need(const import_layout *l, import_col a, import_col b, gw_err *err)
{
    if (l->at[a] >= 0 || l->at[b] >= 0)
        return GW_OK;
    return gw_fail(err, GW_EINVAL, "the table has no column \"%s\"; it is needed", columns[a].name);
}

/* Bytes of a header that fit an error text, cut between characters. */
static int shown(gw_str header)
{
    size_t n = header.n < HEADER_TEXT - 1 ? header.n : HEADER_TEXT - 1;
    while (n > 0 && n < header.n && ((unsigned char)header.p[n] & 0xC0) == 0x80)
        n--;
    return (int)n;
}

gw_code import_read_header(const csv_row *row, import_layout *ret, gw_err *err)
{
    ret->n = row->n;
    for (size_t c = 0; c < COL_COUNT; c++)
        ret->at[c] = -1;
    for (size_t i = 0; i < row->n; i++) {
        gw_str h = row->cells[i];
        import_col c = column_of(h);
        if (c == COL_COUNT)
            return gw_fail(err, GW_EINVAL,
                           "line %zu: unknown column \"%.*s\"; correct its header, or begin it "
                           "with # to leave it out",
                           row->line, shown(h), h.p);
        if (c != COL_IGNORED && ret->at[c] >= 0)
            return gw_fail(err, GW_EINVAL,
                           "line %zu: columns \"%s\" and \"%.*s\" mean the same; remove one",
                           row->line, ret->header[c], shown(h), h.p);
        ret->at[c] = (int)i;
        snprintf(ret->header[c], HEADER_TEXT, "%.*s", shown(h), h.p);
    }
    gw_code rc = need(ret, COL_CUSTOMER, COL_CUSTOMER_ID, err);
    if (rc == GW_OK)
        rc = need(ret, COL_INVOICE, COL_INVOICE, err);
    if (rc == GW_OK)
        rc = need(ret, COL_AMOUNT, COL_UNPAID, err);
    if (rc == GW_OK)
        rc = need(ret, COL_DUE, COL_TERMS, err);
    return rc;
}
