package vertebra

import "iter"

const pageSize = 200

// Page is an answer of a List call: its items, and the token of the next page, empty on the last.
type Page[T any] struct {
	Items     []T
	NextToken string
}

// Pages yields the items of every page; the next page is asked for when it is needed. The last pair
// may be an error.
func Pages[T any](page func(token string) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[string]bool{"": true}
		for token := ""; ; {
			answer, err := page(token)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range answer.Items {
				if !yield(item, nil) {
					return
				}
			}
			if token = answer.NextToken; token == "" {
				return
			}
			if seen[token] {
				yield(none, answerRefused("the page token %q came twice: the list never ends", token))
				return
			}
			seen[token] = true
		}
	}
}
