package handlers

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain"
	"ates/domain/auth"
)

func TestFilesOfPeopleAreReadAsSpreadsheetsWriteThem(t *testing.T) {
	t.Parallel()
	polly := auth.ImportRow{Line: 2, Login: "polly", Name: "=Polly, P.", Email: "polly@popug.example", Role: "worker"}
	for name, file := range map[string]string{
		"commas":             "login,name,email,role\npolly,\"=Polly, P.\",polly@popug.example,worker\n",
		"semicolons, a mark": "\ufefflogin;name;email;role\r\npolly;=Polly, P.;polly@popug.example;worker\r\n",
		"tabs, other order":  "Role\tx\tEMAIL\tName\tLogin\nworker\t\tpolly@popug.example\t=Polly, P.\tpolly",
		"our own export":     "login,name,email,role,status\npolly,\"'=Polly, P.\",polly@popug.example,worker,active\n",
		"empty lines":        "login,name,email,role\npolly,\"=Polly, P.\",polly@popug.example,worker\n\n,,,\n",
	} {
		rows, err := readPeopleFile([]byte(file))
		require.NoError(t, err, name)
		require.Equal(t, []auth.ImportRow{polly}, rows, name)
	}
	rows, err := readPeopleFile([]byte("login,name,email,role\n\"a\",\"two\nlines\",e,r\nb"))
	require.NoError(t, err)
	require.Equal(t, 4, rows[1].Line, "where it stands in the file")
}

// Whatever is read can be written again and is read as the same; what cannot be read is refused, never a fault.
func FuzzFilesOfPeople(f *testing.F) {
	f.Add([]byte("login,name,email,role\npolly,Polly,polly@popug.example,worker\n"))
	f.Add([]byte("\ufeffrole;login;email;name\r\nworker;a;b;\"c\"\"d\"\r\n"))
	f.Add([]byte("login\tname\temail\trole\n'=a\t\"\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, err := readPeopleFile(content)
		if err != nil {
			var refusal *domain.Refusal
			require.ErrorAs(t, err, &refusal)
			return
		}
		var again bytes.Buffer
		w := csv.NewWriter(&again)
		require.NoError(t, w.Write(importColumns))
		for _, row := range rows {
			require.NoError(t, w.Write([]string{string(textCell(row.Login)), string(textCell(row.Name)), string(textCell(row.Email)), string(textCell(row.Role))}))
		}
		w.Flush()
		_, err = readPeopleFile(again.Bytes())
		require.NoError(t, err)
	})
}
