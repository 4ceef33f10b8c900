package main

import (
	"fmt"
	"os"

	"ates/handlers"
)

// clients are the other programs whose people sign in here.
type clients struct {
	ClientsFile string `name:"clients" env:"ATES_CLIENTS" placeholder:"FILE" help:"Other programs whose people sign in here: a JSON list of id, secret, redirect_uris, post_logout_redirect_uris and offline_access."`
}

// registered are the clients of the file, none when there is no file, or an error that names the variable at fault.
func (c clients) registered() ([]handlers.Client, error) {
	if c.ClientsFile == "" {
		return nil, nil
	}
	file, err := os.Open(c.ClientsFile)
	if err != nil {
		return nil, fmt.Errorf("ATES_CLIENTS names a file that cannot be read: %w", err)
	}
	defer file.Close()
	registered, err := handlers.ReadClients(file)
	if err != nil {
		return nil, fmt.Errorf("ATES_CLIENTS is %s: %w", c.ClientsFile, err)
	}
	return registered, nil
}
