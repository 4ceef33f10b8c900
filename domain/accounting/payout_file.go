package accounting

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// PayoutFile is the provider that has a bank pay: it writes the payouts of a closed day into one file, a customer credit
// transfer initiation of ISO 20022 (pain.001.001.09), which a manager hands to the bank. A payout is booked as paid in the
// transaction that keeps its file. The program knows no accounts of workers: a creditor's account is named by the
// worker's id, in the scheme "ATES", and the bank or payroll has the list that leads from there.
type PayoutFile struct {
	Books Books
	// Currency is the ISO 4217 code of the money.
	Currency string
	// Debtor and IBAN are the company's name and its account that is charged; BIC is that of its bank, or empty.
	Debtor, IBAN, BIC string
}

// PaysByDay makes it a DailyProvider.
func (PayoutFile) PaysByDay() {}

// Pay writes the file of each day among the payouts.
func (f PayoutFile) Pay(ctx context.Context, tx domain.Tx, payouts []DuePayout) error {
	q := dbsqlc.New(tx)
	ids := make([]uuid.UUID, len(payouts))
	days := map[time.Time][]DuePayout{}
	for i, p := range payouts {
		ids[i] = p.UserID
		days[p.Day] = append(days[p.Day], p)
	}
	payees, err := q.ListPayees(ctx, ids)
	if err != nil {
		return fmt.Errorf("list who is paid: %w", err)
	}
	names := make(map[uuid.UUID]string, len(payees))
	for _, p := range payees {
		names[p.ID] = p.Name
	}
	for day, payouts := range days {
		file, err := f.write(tx.Now, day, payouts, names)
		if err != nil {
			return err
		}
		if err := q.WritePayoutFile(ctx, file); err != nil {
			return fmt.Errorf("keep the payout file of %s: %w", day.Format(time.DateOnly), err)
		}
	}
	return nil
}

// write makes the file of a day. The same payouts at the same time make the same file.
func (f PayoutFile) write(now, day time.Time, payouts []DuePayout, names map[uuid.UUID]string) (dbsqlc.WritePayoutFileParams, error) {
	payouts = slices.SortedFunc(slices.Values(payouts), func(a, b DuePayout) int { return strings.Compare(a.Key, b.Key) })
	id := "ATES-" + day.Format("20060102")
	transfers := make([]creditTransfer, len(payouts))
	var sum int64
	for i, p := range payouts {
		name := names[p.UserID]
		if name == "" {
			name = p.UserID.String()
		}
		sum += p.Amount
		transfers[i] = creditTransfer{
			EndToEndID: endToEndID(p), Amount: amount{f.Currency, f.decimal(p.Amount)}, Creditor: party{name},
			Account:    account{Other: &otherID{ID: hex.EncodeToString(p.UserID[:]), Scheme: &proprietary{"ATES"}}},
			Remittance: "Payout for " + p.Day.Format(time.DateOnly),
		}
	}
	count, total := strconv.Itoa(len(transfers)), f.decimal(sum)
	agent := institution{BIC: f.BIC}
	if f.BIC == "" {
		// What the European Payments Council has banks' customers write who know the IBAN alone.
		agent.Other = &otherID{ID: "NOTPROVIDED"}
	}
	document := initiation{
		Header: groupHeader{ID: id, Created: now.UTC().Format("2006-01-02T15:04:05Z"), Count: count, Sum: total, Party: party{f.Debtor}},
		Payment: paymentInformation{
			ID: id, Method: "TRF", Batch: true, Count: count, Sum: total,
			// Not the day itself: it has passed, and banks refuse dates that have.
			Execution: f.Books.Day(now).Format(time.DateOnly),
			Debtor:    party{f.Debtor}, Account: account{IBAN: f.IBAN}, Agent: agent, Charges: "SLEV", Transfers: transfers,
		},
	}
	content, err := xml.MarshalIndent(document, "", " ")
	if err != nil {
		return dbsqlc.WritePayoutFileParams{}, fmt.Errorf("encode a payout file: %w", err)
	}
	return dbsqlc.WritePayoutFileParams{
		Day: day, MessageID: id, Payouts: int32(len(transfers)), Amount: sum, WrittenAt: now,
		Content: slices.Concat([]byte(xml.Header), content, []byte("\n")),
	}, nil
}

// endToEndID is a payout's key in the 35 characters that a bank carries through to the creditor's statement: the worker's id
// in base 32, and the day. A bank that is given the file twice knows the payment again by it.
func endToEndID(p DuePayout) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(p.UserID[:]) + "-" + p.Day.Format("20060102")
}

// decimal writes an amount of minor units with the digits of its currency.
func (f PayoutFile) decimal(minor int64) string {
	digits := len(strconv.FormatInt(f.Books.Unit, 10)) - 1
	if digits == 0 {
		return strconv.FormatInt(minor, 10)
	}
	return fmt.Sprintf("%d.%0*d", minor/f.Books.Unit, digits, minor%f.Books.Unit)
}

var (
	ibanForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`)
	bicForm  = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// ValidIBAN reports whether an account number, written without blanks, has the form and the check digits of ISO 13616.
func ValidIBAN(iban string) bool {
	if !ibanForm.MatchString(iban) {
		return false
	}
	var digits strings.Builder
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			digits.WriteString(strconv.Itoa(int(c-'A') + 10))
		} else {
			digits.WriteRune(c)
		}
	}
	number, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && new(big.Int).Mod(number, big.NewInt(97)).Int64() == 1
}

// ValidBIC reports whether a bank's code has the form of ISO 9362.
func ValidBIC(bic string) bool { return bicForm.MatchString(bic) }

// What follows are the elements of pain.001.001.09 that a payout file uses, in the order that the message demands.

type initiation struct {
	XMLName xml.Name           `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
	Header  groupHeader        `xml:"CstmrCdtTrfInitn>GrpHdr"`
	Payment paymentInformation `xml:"CstmrCdtTrfInitn>PmtInf"`
}

type groupHeader struct {
	ID      string `xml:"MsgId"`
	Created string `xml:"CreDtTm"`
	Count   string `xml:"NbOfTxs"`
	Sum     string `xml:"CtrlSum"`
	Party   party  `xml:"InitgPty"`
}

type paymentInformation struct {
	ID        string           `xml:"PmtInfId"`
	Method    string           `xml:"PmtMtd"`
	Batch     bool             `xml:"BtchBookg"`
	Count     string           `xml:"NbOfTxs"`
	Sum       string           `xml:"CtrlSum"`
	Execution string           `xml:"ReqdExctnDt>Dt"`
	Debtor    party            `xml:"Dbtr"`
	Account   account          `xml:"DbtrAcct>Id"`
	Agent     institution      `xml:"DbtrAgt>FinInstnId"`
	Charges   string           `xml:"ChrgBr"`
	Transfers []creditTransfer `xml:"CdtTrfTxInf"`
}

type creditTransfer struct {
	EndToEndID string  `xml:"PmtId>EndToEndId"`
	Amount     amount  `xml:"Amt>InstdAmt"`
	Creditor   party   `xml:"Cdtr"`
	Account    account `xml:"CdtrAcct>Id"`
	Remittance string  `xml:"RmtInf>Ustrd"`
}

type party struct {
	Name string `xml:"Nm"`
}

type amount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type account struct {
	IBAN  string   `xml:"IBAN,omitempty"`
	Other *otherID `xml:"Othr"`
}

type institution struct {
	BIC   string   `xml:"BICFI,omitempty"`
	Other *otherID `xml:"Othr"`
}

type otherID struct {
	ID     string       `xml:"Id"`
	Scheme *proprietary `xml:"SchmeNm"`
}

type proprietary struct {
	Name string `xml:"Prtry"`
}
