package main

import (
	"fmt"
	"io"
	"time"

	"ates/domain/auth"
	"ates/handlers"
)

// announceFirstAdmin tells on the terminal, and nowhere else, how the first Admin gets in, while nobody is known.
func announceFirstAdmin(w io.Writer, address string, first auth.InviteFirstAdmin) {
	if first.Token == "" {
		return
	}
	fmt.Fprintf(w, "  Nobody is known here yet. Whoever opens this link becomes the first Admin; it works once,\n  until %s or a later start:\n\n  %s\n\n",
		first.Until.Format(time.RFC1123), handlers.FirstAdminLink(address, first.Token))
}
