package accounting

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jacoelho/xsd"
	"github.com/stretchr/testify/require"
)

var (
	payday = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	bob    = uuid.MustParse("019a0000-0000-7000-8000-000000000001")
	ann    = uuid.MustParse("019a0000-0000-7000-8000-000000000002")
)

// dollars is the provider of a company in New York.
func dollars(t *testing.T) PayoutFile {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	return PayoutFile{Books: Books{Zone: zone, Unit: 100}, Currency: "USD", Debtor: "UberPopug & Sons", IBAN: "DE89370400440532013000"}
}

func due(worker uuid.UUID, amount int64) DuePayout {
	return DuePayout{Key: PayoutKey(worker, payday), UserID: worker, Day: payday, Amount: amount}
}

func TestAPayoutFileIsOfTheMessagesForm(t *testing.T) {
	t.Parallel()
	schema, err := xsd.LoadWithOptions(os.DirFS("testdata"), "pain.001.001.09.xsd", xsd.NewLoadOptions())
	require.NoError(t, err)
	now := time.Date(2026, 3, 2, 7, 30, 0, 0, time.UTC)
	withBIC, yen, dinar := dollars(t), dollars(t), dollars(t)
	withBIC.BIC = "COBADEFFXXX"
	yen.Currency, yen.Books.Unit = "JPY", 1
	dinar.Currency, dinar.Books.Unit = "KWD", 1000
	for name, file := range map[string]PayoutFile{"USD": dollars(t), "with the bank": withBIC, "JPY": yen, "KWD": dinar} {
		written, err := file.write(now, payday, []DuePayout{due(ann, 4_705), due(bob, 3_000)}, map[uuid.UUID]string{bob: strings.Repeat("<Bob> 🦜 ", 11)})
		require.NoError(t, err)
		require.NoError(t, schema.Validate(bytes.NewReader(written.Content)), "%s\n%s", name, written.Content)
		broken := bytes.Replace(written.Content, []byte("<PmtMtd>TRF</PmtMtd>"), nil, 1)
		require.Error(t, schema.Validate(bytes.NewReader(broken)), "the schema refuses what is wrong")
	}
}

func TestAPayoutFileSaysWhoIsPaidWhat(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 3, 3, 30, 0, 0, time.UTC) // still the 2nd in New York
	payouts := []DuePayout{due(ann, 4_705), due(bob, 3_000)}
	written, err := dollars(t).write(now, payday, payouts, map[uuid.UUID]string{bob: "Bob Budgie"})
	require.NoError(t, err)
	require.Equal(t, "ATES-20260301", written.MessageID)
	require.EqualValues(t, 2, written.Payouts)
	require.EqualValues(t, 7_705, written.Amount)
	content := string(written.Content)
	for _, part := range []string{
		"<NbOfTxs>2</NbOfTxs>", "<CtrlSum>77.05</CtrlSum>", "<Nm>UberPopug &amp; Sons</Nm>", "<IBAN>DE89370400440532013000</IBAN>",
		"<Dt>2026-03-02</Dt>", `<InstdAmt Ccy="USD">30.00</InstdAmt>`, `<InstdAmt Ccy="USD">47.05</InstdAmt>`, "<Nm>Bob Budgie</Nm>",
		"<Nm>" + ann.String() + "</Nm>", "<Id>019a0000000070008000000000000001</Id>", "<Id>NOTPROVIDED</Id>",
	} {
		require.Contains(t, content, part)
	}
	again, err := dollars(t).write(now, payday, []DuePayout{payouts[1], payouts[0]}, map[uuid.UUID]string{bob: "Bob Budgie"})
	require.NoError(t, err)
	require.Equal(t, content, string(again.Content), "the same payouts make the same file")
}

func TestAPayoutsKeyFitsIntoABanks(t *testing.T) {
	t.Parallel()
	id := endToEndID(due(bob, 1))
	require.Len(t, id, 35)
	require.Regexp(t, `^[A-Z2-7]{26}-20260301$`, id)
	require.NotEqual(t, id, endToEndID(due(ann, 1)))
	require.NotEqual(t, id, endToEndID(DuePayout{UserID: bob, Day: payday.AddDate(0, 0, 1)}))
}

func TestIBANsAndBICsAreChecked(t *testing.T) {
	t.Parallel()
	for iban, valid := range map[string]bool{
		"DE89370400440532013000": true, "GB29NWBK60161331926819": true, "NO9386011117947": true, "FR1420041010050500013M02606": true,
		"DE89370400440532013001": false, "DE8937040044053201300": false, "de89370400440532013000": false, "DE89 3704 0044 0532 0130 00": false, "": false,
	} {
		require.Equal(t, valid, ValidIBAN(iban), iban)
	}
	for bic, valid := range map[string]bool{"COBADEFF": true, "COBADEFFXXX": true, "COBADEF": false, "cobadeff": false, "COBADEFFXX": false} {
		require.Equal(t, valid, ValidBIC(bic), bic)
	}
}
