"""Presidio's own recognizers of one entity each, on texts from standard input: one JSON object a line, {entity, text}.

Prints one line for each: whether the recognizer found the entity, and whether its check passed. No language model is
loaded: a pattern recognizer needs none.
"""

import json
import sys

import tldextract
from presidio_analyzer import predefined_recognizers as known

# The suffix list of the package: nothing is downloaded.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

RECOGNIZERS = {
    "CREDIT_CARD": known.CreditCardRecognizer(),
    "IBAN_CODE": known.IbanRecognizer(),
    "EMAIL_ADDRESS": known.EmailRecognizer(),
    "IP_ADDRESS": known.IpRecognizer(),
    "MAC_ADDRESS": known.MacAddressRecognizer(),
    "CRYPTO": known.CryptoRecognizer(),
    "PHONE_NUMBER": known.PhoneRecognizer(),
    "US_SSN": known.UsSsnRecognizer(),
    "US_ITIN": known.UsItinRecognizer(),
    "US_NPI": known.UsNpiRecognizer(),
    "UK_NHS": known.NhsRecognizer(),
    "UK_NINO": known.UkNinoRecognizer(),
    "DE_TAX_ID": known.DeTaxIdRecognizer(),
    "ES_NIF": known.EsNifRecognizer(),
    "ES_NIE": known.EsNieRecognizer(),
    "IT_FISCAL_CODE": known.ItFiscalCodeRecognizer(),
    "IN_AADHAAR": known.InAadhaarRecognizer(),
    "IN_PAN": known.InPanRecognizer(),
    "PL_PESEL": known.PlPeselRecognizer(),
    "AU_ABN": known.AuAbnRecognizer(),
    "AU_TFN": known.AuTfnRecognizer(),
    "AU_MEDICARE": known.AuMedicareRecognizer(),
    "SE_PERSONNUMMER": known.SePersonnummerRecognizer(),
    "FI_PERSONAL_IDENTITY_CODE": known.FiPersonalIdentityCodeRecognizer(),
    "CA_SIN": known.CaSinRecognizer(),
    "ZA_ID_NUMBER": known.ZaIdNumberRecognizer(),
    "TR_NATIONAL_ID": known.TrNationalIdRecognizer(),
    "KR_RRN": known.KrRrnRecognizer(),
}


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        recognizer = RECOGNIZERS[question["entity"]]
        entities = recognizer.supported_entities
        results = recognizer.analyze(question["text"], entities, None)
        found = [result.score for result in results if result.score > 0]
        json.dump({"found": len(found) > 0, "checked": 1.0 in found}, sys.stdout)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
