package pgserver

import "sort"

// initOptions are what initdb is told besides the folder.
func initOptions(bin binaries, throwaway bool) []string {
	options := []string{
		"--username=" + superuser,
		"--auth-local=trust", // whoever can reach the socket owns the data anyway
		"--auth-host=reject",
		"--encoding=UTF8",
		"--locale=" + systemLocale,
		"--lc-messages=C", // start-up errors are matched by their text
		"--no-instructions",
	}
	if bin.major >= 17 {
		options = append(options, "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	}
	if throwaway {
		// Small segments make the cluster, and so its making, smaller.
		options = append(options, "--no-sync", "--wal-segsize=1")
		if bin.major >= 18 {
			options = append(options, "--no-data-checksums")
		}
		return options
	}
	return append(options, "--data-checksums")
}

// serverOptions are the settings of a run, as arguments. They are given anew each time, so that a cluster follows the
// program that runs it.
func serverOptions(c cluster) []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"port":                    port,
		"unix_socket_directories": c.socketDir,
		"unix_socket_permissions": "0700",
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// The program reports the errors that its statements meet; here they would only fill the disk.
		"log_min_messages": "log",
		"log_checkpoints":  "off",
	}
	overrides := map[string]string{
		"effective_cache_size":         "512MB",
		"maintenance_work_mem":         "64MB",
		"wal_compression":              "on",
		"max_wal_size":                 "1GB",
		"checkpoint_completion_target": "0.9",
		// The default supposes a spinning disk and shuns indexes.
		"random_page_cost": "1.1",
		// A crashed program must not hold its locks until TCP gives up; on a unix socket this costs nothing.
		"client_connection_check_interval": "10s",
	}
	if c.throwaway {
		overrides = map[string]string{
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"autovacuum":         "off",
			"wal_level":          "minimal",
			"max_wal_senders":    "0",
			"max_wal_size":       "256MB",
			// Packages and their tests run side by side, each with a few connections.
			"max_connections": "500",
		}
	}
	for name, value := range overrides {
		settings[name] = value
	}
	arguments := make([]string, 0, 2*len(settings))
	for name, value := range settings {
		arguments = append(arguments, "-c"+name+"="+value)
	}
	sort.Strings(arguments)
	return arguments
}
