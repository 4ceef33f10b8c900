package static

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

// vendored are the files of other people: the name of each, and the hash of what was published under it.
var vendored = map[string]string{
	"vendor/chart.umd.min.js":     "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2", // chart.js@4.6.1
	"vendor/htmx.min.js":          "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130", // htmx.org@4.0.1
	"vendor/hx-preload.min.js":    "6526defdf2cafd6a6b9f09fe39136e7af7611d103f05cc7068489ef83993f244", // htmx.org@4.0.1
	"vendor/hx-sse.min.js":        "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103", // htmx.org@4.0.1
	"vendor/inter-cyrillic.woff2": "71d5ee93cc1e9f1d520a3a8b66456de18c7879d8df09d57fcd2eaff75fef0075",
	"vendor/inter-latin.woff2":    "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
}

func TestVendoredFilesAreAsPublishedAndHaveALicence(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	err := fs.WalkDir(files, "vendor", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		sum := sha256.Sum256(content)
		found[name] = hex.EncodeToString(sum[:])
		require.Equal(t, string(content), string(contents[URL(name)]), "%s is served as it is", name)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, vendored, found)
	for _, licence := range []string{"chart", "htmx", "inter"} {
		require.FileExists(t, "vendor/"+licence+".LICENSE")
	}
}
