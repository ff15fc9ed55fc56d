/** Name of the cookie that holds a session's secret, without the prefix that HTTPS adds. */
export const SESSION_COOKIE = 'dais_sid';
