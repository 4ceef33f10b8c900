package handlers

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// checklist is what is asked of an OAuth 2 and OpenID Connect provider and its client, with the tests that show it. Each test has
// its source at the end of its name: the RFC and section, or the other standard's.
var checklist = []struct {
	number   int
	required string
	tests    []string
}{
	{1, "redirect URIs are compared exactly, and errors about them are redirected nowhere", []string{
		"TestRedirectURIIsComparedLetterByLetter_RFC9700_2_1"}},
	{2, "PKCE is mandatory, with S256 only, and the verifier is checked", []string{
		"TestPKCEIsMandatory_RFC7636_4_4_1", "TestVerifierIsChecked_RFC7636_4_6"}},
	{3, "a code is short-lived, used once also under concurrency, burnt by a failed try, its client's, and a replay revokes", []string{
		"TestCodeIsSingleUseUnderConcurrency_RFC6749_4_1_2", "TestReplayOfACodeEndsWhatItBought_RFC6749_4_1_2",
		"TestReplayOfACodeEndsItsRefreshTokens_RFC6749_4_1_2", "TestReplayOfACodeRacesWithItsFirstRefreshToken_RFC9700_4_14",
		"TestCodeIsBurntByAFailedTry_RFC9700_4_5", "TestCodeBelongsToItsClient_RFC6749_4_1_3", "TestCodeLivesOneMinute_RFC6749_4_1_2",
		"TestCodeOfSomebodyDeactivatedSinceBuysNothing_OIDCCore_3_1_3_1"}},
	{4, "implicit, hybrid, password and client credentials are refused", []string{
		"TestImplicitAndHybridAreRefused_RFC9700_2_1_2", "TestOnlyTheCodeGrantIsOffered_RFC9700_2_4",
		"TestWhatTheProviderDoesNotOfferIsRefused_OIDCCore_3_1_2_6"}},
	{5, "answers name the issuer, the metadata say so, and the client looks", []string{
		"TestAnswerNamesTheIssuer_RFC9207", "TestAnswerMustNameTheIssuer_RFC9207", "TestAnswersOfForeignIssuers_RFC9207",
		"TestDiscoveryPromisesOnlyWhatIsTrue_OIDCDiscovery_3"}},
	{6, "state is used once and in its browser, and two tabs work", []string{
		"TestAnswerIsTakenOnceAndOnlyWhereItWasAskedFor_RFC9700_4_7", "TestTwoTabsCanSignInAtOnce_RFC9700_4_7"}},
	{7, "a request belongs to the browser that began it", []string{
		"TestRequestBelongsToTheBrowserThatBeganIt_RFC9700_4_7"}},
	{8, "ID tokens are checked, the algorithm too", []string{
		"TestIDTokenIsChecked_OIDCCore_3_1_3_7", "TestUserInfoCompletesTheIDToken_OIDCCore_5_3_2"}},
	{9, "refresh tokens rotate, a replay ends the family, the scope cannot widen, and they are their client's and an active person's", []string{
		"TestRefreshTokensRotateAtEveryUse_RFC9700_4_14", "TestReplayOfARefreshTokenEndsItsFamily_RFC9700_4_14",
		"TestOneOfManyUsesOfARefreshTokenWinsAndTheFamilyEnds_RFC9700_4_14", "TestOfThoseWhoFoundARefreshTokenGoodOneUsesIt_RFC9700_4_14",
		"TestRefreshedScopeCannotWiden_RFC6749_6",
		"TestRefreshTokenBelongsToItsClient_RFC6749_6", "TestRefreshFollowsThePerson_RFC9700_4_14", "TestRefreshTokensExpire_RFC9700_4_14",
		"TestARevokedRefreshTokenTakesAllWithIt_RFC7009_2_1", "TestARevokedAccessTokenGoesAlone_RFC7009_2_1",
		"TestRevocationIsForTheClientOfTheToken_RFC7009_2_1"}},
	{10, "clients show who they are, and tokens are asked for with POST", []string{
		"TestClientMustShowWhoItIs_RFC6749_2_3", "TestTokenEndpointTakesPostOnly_RFC6749_3_2"}},
	{11, "tokens are not cached, pages neither framed nor told", []string{
		"TestTokensAreNotCached_RFC6749_5_1", "TestProviderPagesAreNeitherFramedNorTold_RFC9700_4_16"}},
	{12, "redirects stay inside", []string{
		"TestReturnToStaysOnThisSite_RFC9700_4_11", "TestSignOutAtTheProvider_RPInitiatedLogout_2"}},
	{13, "prompt, max_age, single sign-on and sign-out", []string{
		"TestSignInAndPrompts_OIDCCore_3_1_2_1", "TestSignOutAtTheProvider_RPInitiatedLogout_2"}},
	{14, "no other origin, nothing that is not needed, no private keys", []string{
		"TestNoOtherOriginGetsIn_RFC9700_2_6", "TestOnlyWhatIsNeededAnswers_RFC9700_2_6", "TestPublishedKeysHaveNoPrivateParts_OIDCDiscovery_3"}},
	{15, "keys rotate without downtime", []string{
		"TestKeysRotateWithoutDowntime_OIDCCore_10_1_1"}},
	{16, "sessions get a new name at sign-in, are stored hashed, end for good, and take no forms from other sites", []string{
		"TestSessionGetsANewNameAtSignIn_ASVS_3_2_1", "TestDatabaseHoldsNoToken_ASVS_3_2_3", "TestSignedOutSessionsDoNotComeBack_ASVS_3_3_1",
		"TestSigningOutElsewhereAndEverywhere_ASVS_3_3", "TestCrossSiteFormsAreRefused_ASVS_4_2"}},
	{17, "wrong passwords cost time, keep nobody else out, and refused logins look and take the same", []string{
		"TestRefusedLoginsLookTheSame_ASVS_2_2", "TestUnknownLoginsAreAnsweredWithTheSameWork_ASVS_2_2",
		"TestWrongPasswordsCostMoreAndMoreTime_ASVS_2_2", "TestAnAddressThatTriesManyLoginsHasToWait_ASVS_2_2",
		"TestNobodyCanShutSomebodyElseOut_ASVS_2_2", "TestTriesSentAtOnceCannotOutrunTheCount_ASVS_2_2",
		"TestTooManyWrongPasswordsHaveToWait_ASVS_2_2", "TestAThousandWrongPasswordsKeepNobodyOut_ASVS_2_2"}},
	{18, "passkeys: origin, user verification, challenge and counter are checked", []string{
		"TestWhatAPasskeySignsIsChecked_WebAuthn_L2_7_2", "TestANewPasskeyIsChecked_WebAuthn_L2_7_1",
		"TestAPasskeyLetsItsPersonInWithoutALogin_WebAuthn_L2", "TestChallengesExpireAndDeactivatedPeopleStayOut_WebAuthn_L2",
		"TestPasskeysInABrowser_WebAuthn_L2"}},
	{19, "the issuer uses TLS except on this machine, the start is refused otherwise, and cookies are this host's", []string{
		"TestIssuerMustUseTLSExceptOnThisMachine_OIDCDiscovery_3", "TestPublicURLMustUseTLSExceptOnThisMachine_OIDCDiscovery_3",
		"TestCookiesAreForThisHostOverTLSOnly_RFC6265bis_4_1_3"}},
	{20, "parameters come once", []string{
		"TestParametersComeOnce_RFC6749_3_1"}},
	{21, "every redirect is a 303", []string{
		"TestFormsAreNeverSentOn_RFC9700_4_12", "TestEveryRedirectIsA303_RFC9700_4_12"}},
	{22, "parsers of what anybody sends, and of stored hashes, are fuzzed", []string{
		"FuzzAuthorize", "FuzzToken", "FuzzReturnTo", "FuzzPasswordHash"}},
}

func TestEveryPointOfTheChecklistHasItsTests(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	source := regexp.MustCompile(`^Fuzz|_(RFC\d+(bis)?|OIDCCore|OIDCDiscovery|RPInitiatedLogout|ASVS|WebAuthn_L2)(_\d+)*$`)
	exists := map[string]bool{}
	for _, dir := range []string{".", "../domain/auth", "../cmd/ates"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, test := range named.FindAllStringSubmatch(string(content), -1) {
				exists[test[1]] = true
			}
		}
	}
	last := 0
	for _, point := range checklist {
		require.Greater(t, point.number, last)
		last = point.number
		require.NotEmpty(t, point.tests, point.required)
		for _, test := range point.tests {
			require.True(t, exists[test], "%d. %s: there is no %s", point.number, point.required, test)
			require.Regexp(t, source, test)
		}
	}
	require.Equal(t, 22, last)
}
