{{/*
Prefix of all names. At most 40 characters: with a role, an ordinal and the hash that a StatefulSet adds as a label, 63 are the limit.
*/}}
{{- define "dais.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if gt (len $full) 40 -}}
{{- $full = printf "%s-%s" (trunc 31 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/* Name of the workload of a role: (dict "root" $ "role" "api"). The role `all` has the prefix itself. */}}
{{- define "dais.roleName" -}}
{{- $full := include "dais.fullname" .root -}}
{{- ternary $full (printf "%s-%s" $full .role) (eq .role "all") -}}
{{- end -}}

{{- define "dais.selector" -}}
app.kubernetes.io/name: dais
app.kubernetes.io/instance: {{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "dais.labels" -}}
{{ include "dais.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dais.image" -}}
{{- $image := .Values.image -}}
{{- $name := list $image.registry $image.repository | compact | join "/" -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $name $image.digest }}
{{- else -}}
{{ printf "%s:%s" $name (default .Chart.AppVersion $image.tag) }}
{{- end -}}
{{- end -}}

{{/* Name of the service account of a role: (dict "root" $ "role" "api"). */}}
{{- define "dais.serviceAccount" -}}
{{- $accounts := .root.Values.serviceAccounts -}}
{{- if $accounts.create -}}
{{ include "dais.roleName" . }}
{{- else -}}
{{ $accounts.name }}
{{- end -}}
{{- end -}}

{{/* Roles with pods, as JSON: {"roles": ["api", …]}. */}}
{{- define "dais.roles" -}}
{{- $roles := list -}}
{{- range $role := list "all" "api" "controller" "gateway" "worker" -}}
{{- if gt (int (get $.Values.roles $role).replicas) 0 -}}
{{- $roles = append $roles $role -}}
{{- end -}}
{{- end -}}
{{- dict "roles" $roles | toJson -}}
{{- end -}}

{{/* Role whose pods serve the API: `api`, or `all`. */}}
{{- define "dais.apiRole" -}}
{{- ternary "api" "all" (gt (int .Values.roles.api.replicas) 0) -}}
{{- end -}}

{{/* Role whose pods serve predictions for the Service of the gateways: `gateway`, or the one of the API. */}}
{{- define "dais.gatewayRole" -}}
{{- if gt (int .Values.roles.gateway.replicas) 0 -}}gateway{{- else -}}{{ include "dais.apiRole" . }}{{- end -}}
{{- end -}}

{{/* Names by which a Service is reached in the cluster: (dict "root" $ "name" "dais"). */}}
{{- define "dais.serviceNames" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- list .name (printf "%s.%s" .name $namespace) (printf "%s.%s.svc" .name $namespace) (printf "%s.%s.svc.cluster.local" .name $namespace) | join "," -}}
{{- end -}}

{{- define "dais.scheme" -}}
{{- ternary "HTTPS" "HTTP" (ne .Values.tls.secretName "") -}}
{{- end -}}
