package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.ConnectTimeout = 5 * time.Second
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgx.ConnectConfig(ctx, cfg)
}

func ping(ctx context.Context, url string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// ensureDatabase makes the program's database unless it is there.
func (c cluster) ensureDatabase(ctx context.Context) error {
	err := ping(ctx, c.url(database))
	if !hasCode(err, pgerrcode.InvalidCatalogName) {
		return err
	}
	conn, err := connect(ctx, c.url("template1"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "create database "+database+" template template0"); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// stillStarting says that the server does not answer yet, or answers that it is starting, or that a session of a killed server before it
// has answered and died.
func stillStarting(err error) bool {
	cut := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrUnexpectedEOF)
	return cut || nobodyListens(err) || hasCode(err, pgerrcode.CannotConnectNow)
}

func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func hasCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}
