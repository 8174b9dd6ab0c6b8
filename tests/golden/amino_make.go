//go:build ignore

// Makes amino.json: transactions signed with SIGN_MODE_LEGACY_AMINO_JSON, and the documents
// that the Cosmos SDK itself makes of them (cosmossdk.io/x/tx), which every wallet's signature
// is held against.  In an empty folder:
//
//	go mod init amino && cp .../tests/golden/amino_make.go . && go mod tidy
//	go run amino_make.go > .../tests/golden/amino.json
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	bank "cosmossdk.io/api/cosmos/bank/v1beta1"
	base "cosmossdk.io/api/cosmos/base/v1beta1"
	keys "cosmossdk.io/api/cosmos/crypto/secp256k1"
	distribution "cosmossdk.io/api/cosmos/distribution/v1beta1"
	govv1 "cosmossdk.io/api/cosmos/gov/v1"
	govv1beta1 "cosmossdk.io/api/cosmos/gov/v1beta1"
	staking "cosmossdk.io/api/cosmos/staking/v1beta1"
	signingv1beta1 "cosmossdk.io/api/cosmos/tx/signing/v1beta1"
	tx "cosmossdk.io/api/cosmos/tx/v1beta1"
	"cosmossdk.io/x/tx/signing"
	"cosmossdk.io/x/tx/signing/aminojson"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Addresses are text to the document: any that look like ours will do.
const (
	alice     = "viper1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnwxcq4a"
	bob       = "viper1zg69v7yszg69v7yszg69v7yszg69v7ys6z7lql"
	validator = "vipervaloper1qyqszqgpqyqszqgpqyqszqgpqyqszqgpt8f2uy"
	another   = "vipervaloper1qgpqyqszqgpqyqszqgpqyqszqgpqyqszgq0nww"
)

type row struct {
	name             string
	messages         []proto.Message
	memo             string
	fee              []*base.Coin
	gas              uint64
	timeout          uint64
	number, sequence uint64
	chain            string
}

func coin(amount string) *base.Coin { return &base.Coin{Denom: "uvipr", Amount: amount} }

func send(amount string) proto.Message {
	return &bank.MsgSend{FromAddress: alice, ToAddress: bob, Amount: []*base.Coin{coin(amount)}}
}

func delegate(amount string) proto.Message {
	return &staking.MsgDelegate{
		DelegatorAddress: alice, ValidatorAddress: validator, Amount: coin(amount)}
}

func vote(option int32) proto.Message {
	return &govv1beta1.MsgVote{
		ProposalId: 18446744073709551615, Voter: alice, Option: govv1beta1.VoteOption(option)}
}

func rows() []row {
	withdraw := &distribution.MsgWithdrawDelegatorReward{
		DelegatorAddress: alice, ValidatorAddress: validator}
	all := []row{
		{name: "send", messages: []proto.Message{send("1")}},
		{name: "send the most", messages: []proto.Message{send("4611686018427387903")}},
		{name: "delegate", messages: []proto.Message{delegate("50000000000")}},
		{name: "undelegate", messages: []proto.Message{&staking.MsgUndelegate{
			DelegatorAddress: alice, ValidatorAddress: validator, Amount: coin("2")}}},
		{name: "redelegate", messages: []proto.Message{&staking.MsgBeginRedelegate{
			DelegatorAddress: alice, ValidatorSrcAddress: validator,
			ValidatorDstAddress: another, Amount: coin("5")}}},
		{name: "cancel", messages: []proto.Message{&staking.MsgCancelUnbondingDelegation{
			DelegatorAddress: alice, ValidatorAddress: validator, Amount: coin("5"),
			CreationHeight: 77}}},
		{name: "withdraw", messages: []proto.Message{withdraw}},
		{name: "payout address", messages: []proto.Message{
			&distribution.MsgSetWithdrawAddress{
				DelegatorAddress: alice, WithdrawAddress: bob}}},
		{name: "vote in v1", messages: []proto.Message{&govv1.MsgVote{
			ProposalId: 9, Voter: alice, Option: 1}}},
		{name: "vote in v1 with metadata", messages: []proto.Message{&govv1.MsgVote{
			ProposalId: 9, Voter: alice, Option: 4, Metadata: "ipfs://<x>"}}},
		{name: "all together", messages: []proto.Message{
			send("7"), delegate("8"), vote(1), withdraw, withdraw}},
		{name: "memo", memo: "for lunch"},
		{name: "memo with HTML", memo: "<b>Tom & \"Jerry\"</b> \\ 'x' / y"},
		{name: "memo with controls", memo: "\b\f\n\r\t\u0001\u001f\u007f"},
		{name: "memo in UTF-8", memo: "żółw 🐢 ﷽ \u2027\u2028\u2029\u202a"},
		{name: "no fee", fee: []*base.Coin{}, gas: 1},
		{name: "a fee of 0", fee: []*base.Coin{coin("0")}, gas: 1},
		{name: "timeout height", timeout: 123456789},
		{name: "largest numbers", gas: 9223372036854775807, timeout: 18446744073709551615,
			number: 18446744073709551615, sequence: 18446744073709551614, chain: "viper-<x>&1"},
	}
	for option := int32(1); option <= 4; option++ {
		all = append(all, row{
			name: fmt.Sprintf("vote %d", option), messages: []proto.Message{vote(option)}})
	}
	return all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pack(m proto.Message) []byte {
	return must(proto.MarshalOptions{Deterministic: true}.Marshal(m))
}

func pack_any(m proto.Message) *anypb.Any {
	return &anypb.Any{
		TypeUrl: "/" + string(m.ProtoReflect().Descriptor().FullName()), Value: pack(m)}
}

func (r *row) defaults() {
	if r.messages == nil {
		r.messages = []proto.Message{send("1")}
	}
	if r.fee == nil {
		r.fee = []*base.Coin{coin("5000")}
	}
	if r.gas == 0 {
		r.gas = 200000
	}
	if r.chain == "" {
		r.chain, r.number = "viper-1", 3
	}
}

func main() {
	secret := sha256.Sum256([]byte("amino"))
	key := secp256k1.PrivKeyFromBytes(secret[:])
	public := key.PubKey().SerializeCompressed()
	handler := aminojson.NewSignModeHandler(aminojson.SignModeHandlerOptions{})
	var cases []map[string]string
	for _, r := range rows() {
		r.defaults()
		body := &tx.TxBody{Memo: r.memo, TimeoutHeight: r.timeout}
		for _, m := range r.messages {
			body.Messages = append(body.Messages, pack_any(m))
		}
		auth := &tx.AuthInfo{
			SignerInfos: []*tx.SignerInfo{{
				PublicKey: pack_any(&keys.PubKey{Key: public}),
				ModeInfo: &tx.ModeInfo{Sum: &tx.ModeInfo_Single_{Single: &tx.ModeInfo_Single{
					Mode: signingv1beta1.SignMode_SIGN_MODE_LEGACY_AMINO_JSON}}},
				Sequence: r.sequence,
			}},
			Fee: &tx.Fee{Amount: r.fee, GasLimit: r.gas},
		}
		document := must(handler.GetSignBytes(context.Background(),
			signing.SignerData{Address: alice, ChainID: r.chain, AccountNumber: r.number,
				Sequence: r.sequence, PubKey: pack_any(&keys.PubKey{Key: public})},
			signing.TxData{Body: body, AuthInfo: auth, BodyBytes: pack(body),
				AuthInfoBytes: pack(auth)}))
		digest := sha256.Sum256(document)
		raw := &tx.TxRaw{BodyBytes: pack(body), AuthInfoBytes: pack(auth),
			Signatures: [][]byte{ecdsa.SignCompact(key, digest[:], true)[1:]}}
		cases = append(cases, map[string]string{
			"name": r.name, "chain_id": r.chain, "account_number": fmt.Sprint(r.number),
			"document": string(document), "tx": base64.StdEncoding.EncodeToString(pack(raw)),
		})
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"made_by": "cosmossdk.io/x/tx", "cases": cases}); err != nil {
		panic(err)
	}
	os.Stdout.Write(out.Bytes())
}
